"""The app that the driver test of Django installs."""
