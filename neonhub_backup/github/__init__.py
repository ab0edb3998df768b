"""What the tool tells GitHub: summaries, outputs, annotations and issues."""
