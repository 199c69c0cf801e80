"""How the subnetworks of several runs differ: what they keep where, and how much of it they share."""
