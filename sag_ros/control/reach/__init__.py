"""From poses of the tool centre point to joint positions, and back."""
