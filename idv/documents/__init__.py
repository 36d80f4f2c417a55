"""Documents without pixels: machine-readable zones, barcodes, names, dates, document types, consistency."""
