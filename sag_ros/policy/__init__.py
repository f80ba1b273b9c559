"""What is denoised: DP-T, observation encoder, normaliser, noise schedules, and the bundle on disk."""
