"""One folder a judgement: check.py, config.py where there is something to configure, its signals."""
