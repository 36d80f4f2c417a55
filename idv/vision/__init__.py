"""Everything on pixels: imaging below models below perception and synthesis."""
