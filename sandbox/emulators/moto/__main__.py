"""`python -m sandbox.emulators.moto`: moto's server, corrected where it forgets what AWS keeps."""

from moto.server import main

from sandbox.emulators.moto import bucket_policies, permissions, replication, s3, sns, users

if __name__ == "__main__":
    for service in (s3, replication, bucket_policies, sns, users, permissions):
        service.correct()
    main()
