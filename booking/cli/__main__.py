"""`python -m booking.cli` is the console script `booking`."""

from booking.cli import main

main()
