"""Whether the identity claimed is the one on the document."""
