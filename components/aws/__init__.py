"""What the backups need in AWS."""
