"""What may be sent: each form judges what its sender wrote, the same for pages, programs and files."""
