"""Every SELECT of the desk. Lists read named columns, never entities; nothing here writes or decides."""
