"""One file a container format: reads what the header states, in Python, before any decoder runs."""
