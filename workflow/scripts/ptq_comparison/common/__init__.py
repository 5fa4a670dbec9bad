"""What every room uses: errors, files, jobs, progress."""
