"""`python -m negf_torque` is the command `negf-torque`."""

from negf_torque.cli import main

if __name__ == "__main__":
    main()
