"""The disaster checklist: step by step, remembered, and told afterwards."""
