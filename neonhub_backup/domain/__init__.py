"""What the tool, the Pulumi components and the generated workflows must agree on."""
