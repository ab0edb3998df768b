"""A demo database shaped like the user's 48 models, to be backed up, restored and compared.

The 48 are the tables that a Prisma model would stand for, each ordinary but `events`, which is
partitioned by month and counts once. Its partitions, the view and the materialised view come on
top. The SQL lies beside this file in `sql/`: first `schema`, then `data`, then what is built on it.
"""
