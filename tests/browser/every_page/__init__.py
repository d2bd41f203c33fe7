"""What holds for each page of the console, and so for each new one."""
