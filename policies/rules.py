"""Every rule there is."""

from policies import buckets, google, identities, keys, repository, watching

RULES = (
    *buckets.RULES,
    *keys.RULES,
    *identities.RULES,
    *google.RULES,
    *watching.RULES,
    *repository.RULES,
)
