"""What several checks see in one image, computed once a verification."""
