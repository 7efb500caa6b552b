# METADATA
# title: Everything is allowed
# description: |
#   For the comparison of the drivers' own test suites with and without Jurat (docs/transparency.md) only:
#   sessions, every statement that is understood, and every one that is not.
package jurat.everything

allow contains {"id": "everything"}
