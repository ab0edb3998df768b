"""Stand-ins for the services that staging and production really use."""
