"""One file per policy: rules as data, nothing else; `bootstrap.py` lists them."""
