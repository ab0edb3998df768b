"""Files for a machine that backs up by itself, by systemd or cron."""
