"""The command line of neonhub-backup."""
