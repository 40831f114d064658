"""What a policy is: the protocol, the registry, specifications, bundles (files and loading), networks, export."""
