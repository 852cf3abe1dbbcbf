"""Web push: alerts to browsers that are closed, by the push services of their makers. Best effort, never counted on."""
