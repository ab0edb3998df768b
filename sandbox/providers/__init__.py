"""Local Pulumi resource providers: the real plugins' work, done against the emulators."""
