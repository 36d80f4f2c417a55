"""The regression gate: is a candidate worse than a base on the same frozen set?"""
