"""The Pulumi engine of the sandbox, and the language host of an engine built here."""
