"""The infrastructure: one noun per file, each a component that encodes decisions."""
