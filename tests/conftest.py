"""What all tests share: property tests have no deadline, since no test depends on the speed of a machine."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
