#!/bin/sh
# Stands in for `ecugate token-helper -- MODULE`: MODULE is a shell script, and its standard input is the gate.
. "$3"
