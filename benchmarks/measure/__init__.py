# SPDX-License-Identifier: AGPL-3.0-or-later
"""Everything that is measured of one node, beside its peers, in one run. Run by ./bench."""
