"""What to do about each exit code, in the words of docs/exit-codes.md."""

ADVICE = {
    1: "Report it as a bug, with the traceback.",
    2: "Correct what the message names; `--help` shows the options.",
    3: (
        "Mend the store that the message names, then back up again or bring the backup there with"
        " `copy`."
    ),
    4: "Correct the connection string, the network or the privileges, as the message says.",
    5: (
        "Install what is missing, on Debian and Ubuntu with `postgres ensure`; else read what the"
        " program said, and try again."
    ),
    6: (
        "Mend the store's address, credentials or space, or bring the object back from the"
        " archive, and try again."
    ),
    7: "See `neonhub-backup list`; try another `--store`.",
    8: (
        "Restore another backup or from another `--store`, or bring back the object's earlier"
        " version; find out who or what changed it."
    ),
    9: "Do what the message says, or restore under another name.",
    10: "Extend or replace the public key and deploy it; give the private key and its passphrase.",
    11: (
        "After a difference do not rely on this backup: take a new one, drill that, and look into"
        " each. After defects mend the source and back it up again, or give `--accept-defects`;"
        " docs/drill.md tells the two apart."
    ),
    12: "Do what the message says, and confirm.",
    13: (
        "Read what the command said, correct that, and run the same command again: it goes on"
        " where it stopped."
    ),
    14: (
        "Find out whether a migration dropped or renamed what is missing; restore an older backup,"
        " or correct `required`."
    ),
    15: (
        "Restore on a larger machine, make the database smaller, or promise less; for archiving,"
        " correct what the server's log says of it."
    ),
    16: (
        "Correct the address, the token or its permission that the message names; docs/github.md"
        " lists the variables."
    ),
    17: (
        "Do what the message says, with Neon's own words in it; docs/neon.md says what the key must"
        " be allowed to do."
    ),
    130: "Run it again.",
    143: "Run it again, with more time.",
}
