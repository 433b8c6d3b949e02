# Copyright 2026 Gentoo Authors
# Distributed under the terms of the GNU General Public License v2

EAPI=8

# Draft: the project's address is missing, and for a release CRATES is filled by pycargoebuild and git-r3 gives way to SRC_URI.
RUST_MIN_VER="1.95.0"

inherit cargo git-r3 systemd

DESCRIPTION="Sandboxed, privilege-separated drop-in replacement for dnsmasq"
HOMEPAGE="https://example.org/wardmasq"
EGIT_REPO_URI="https://example.org/wardmasq.git"

LICENSE="|| ( MIT Apache-2.0 )"
# Crates that are linked in.
LICENSE+=" Apache-2.0 MIT Unicode-3.0"
SLOT="0"

# The flags of net-dns/dnsmasq; docs/features.md says which are missing, and why.
IUSE="+conntrack +dhcp +dhcp-tools +dumpfile +id +idn +inotify libidn2 +loop lua +script static +tftp"
REQUIRED_USE="dhcp-tools? ( dhcp ) libidn2? ( idn ) lua? ( script )"

QA_FLAGS_IGNORED="usr/sbin/wardmasq usr/sbin/wardctl usr/bin/dhcp_lease_time usr/bin/dhcp_release usr/bin/dhcp_release6"

src_unpack() {
	git-r3_src_unpack
	cargo_live_src_unpack
}

src_configure() {
	local flag myfeatures=()
	for flag in conntrack dhcp dhcp-tools dumpfile id idn inotify libidn2 loop lua script tftp; do
		use ${flag} && myfeatures+=( ${flag} )
	done
	# These flags take the place of those in .cargo/config.toml.
	use static && RUSTFLAGS+=" -C target-feature=+crt-static -C relocation-model=static"
	export RUSTFLAGS
	cargo_src_configure --no-default-features
}

src_compile() {
	cargo_src_compile --package wardmasq
}

src_test() {
	# What needs root and network namespaces is left to upstream's tests/all.
	cargo_src_test --package wardmasq
}

src_install() {
	dosbin "$(cargo_target_dir)"/wardmasq "$(cargo_target_dir)"/wardctl
	use dhcp-tools && dobin "$(cargo_target_dir)"/dhcp_{lease_time,release,release6}

	newinitd packaging/openrc/wardmasq.initd wardmasq
	newconfd packaging/openrc/wardmasq.confd wardmasq
	systemd_dounit packaging/systemd/wardmasq.service packaging/systemd/wardmasq.socket

	keepdir /var/lib/misc
	dodoc README.md CHANGELOG.md docs/*.md packaging/systemd/lease-scripts.conf
}

pkg_postinst() {
	elog "wardmasq reads /etc/dnsmasq.conf and takes over /var/lib/misc/dnsmasq.leases."
	elog "Check with: wardctl config check"
	elog "Only one of dnsmasq and wardmasq can hold the ports."
}
