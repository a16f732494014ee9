"""What the tests of the release binary share."""
