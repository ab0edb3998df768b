"""What stands in for the clouds on one machine: the engine, the emulators, the local providers."""
