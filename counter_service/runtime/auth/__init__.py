"""Verification of OpenID Connect tokens. Imported only where authentication is configured."""
