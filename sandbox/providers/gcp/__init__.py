"""The sandbox's own provider of Google Cloud, a client of the emulator of it."""
