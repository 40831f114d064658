"""What comes with the project to try and to copy."""
