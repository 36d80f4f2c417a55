"""How bytes get onto this machine: package clients, https, and nothing else. No package is ever run."""
