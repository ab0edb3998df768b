"""Every rule there is."""

from policies import buckets, identities, keys, repository

RULES = (*buckets.RULES, *keys.RULES, *identities.RULES, *repository.RULES)
