# Tries what a driver may not do, and says what became of it: a line each, "TRY: ok" or "TRY: why not".
use strict;
use warnings;
use Fcntl;
use IO::Handle;
use Socket;

STDERR->autoflush(1);

sub say_how {
  my ($try, $done) = @_;
  my $line = "$try: " . ($done ? "ok" : "$!") . "\n";
  print STDERR $line;
}

sub try_read {
  my ($path) = @_;
  my $opened = open(my $file, '<', $path);
  say_how("read $path", $opened && defined(readline($file)));
}

sub try_write {
  my ($path) = @_;
  my $opened = open(my $file, '>>', $path);
  say_how("write $path", $opened && syswrite($file, "touched\n"));
}

sub try_chmod {
  my ($path) = @_;
  say_how("chmod $path", chmod(04755, $path));
}

sub try_create {
  my ($path) = @_;
  say_how("create $path", sysopen(my $file, $path, O_CREAT | O_EXCL | O_WRONLY, 04755));
}

sub try_socket {
  my ($name, $domain, $type, $protocol) = @_;
  say_how("socket $name", socket(my $socket, $domain, $type, $protocol));
}

for my $word (@ARGV) {
  my ($verb, $path) = split /=/, $word, 2;
  if ($verb eq 'read') { try_read($path) }
  elsif ($verb eq 'write') { try_write($path) }
  elsif ($verb eq 'chmod') { try_chmod($path) }
  elsif ($verb eq 'create') { try_create($path) }
  elsif ($verb eq 'signal') { say_how("signal $path", kill(0, $path)) }
}
try_socket('inet', PF_INET, SOCK_STREAM, 0);
try_socket('inet6', PF_INET6, SOCK_DGRAM, 0);
try_socket('unix', PF_UNIX, SOCK_STREAM, 0);
try_socket('netlink', 16, SOCK_RAW, 0);
try_socket('packet', 17, SOCK_DGRAM, 0);
try_socket('vsock', 40, SOCK_STREAM, 0);
say_how('socketpair', socketpair(my $one, my $other, PF_UNIX, SOCK_STREAM, 0));
print STDERR "tried all\n";
exit 0 if $ENV{PROBE_ENDS};
sleep 1 while 1;
