"""Makers of training pairs for the contradiction head, one kind of data a file."""
