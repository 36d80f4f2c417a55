"""Whether two pictures show the same person: portrait against selfie, or reference against probe."""
