package provider_test

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// postgres is a PostgreSQL server that one test has to itself, on a socket in a directory that
// nobody else can enter.
type postgres struct {
	bin, dir string
	// owner is who the server runs as; nil is whoever runs the test.
	owner *syscall.Credential
	// url is what Terraform's backend and psql find the database by.
	url string
}

// startPostgres starts a server from the packages of the system, and skips the test where there are
// none.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{bin: postgresPrograms(t), owner: postgresOwner(t)}
	dir, err := os.MkdirTemp("", "kustom-pg") //nolint:usetesting // The owner can't enter t.TempDir(), whose name is too long for a socket's.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if p.owner != nil {
		if err := os.Chown(dir, int(p.owner.Uid), int(p.owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	p.dir, p.url = dir, "postgres://kustom@/postgres?sslmode=disable&host="+dir
	p.mustRun(t, "initdb", "-D", filepath.Join(dir, "data"), "-U", "kustom", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	p.serve(t)
	return p
}

// postgresPrograms returns where the server's programs are. Some distributions keep them out of PATH.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	found, _ := exec.LookPath("initdb")
	candidates := []string{found}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/opt/postgresql*/bin/initdb"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		candidates = append(candidates, more...)
	}
	for _, initdb := range candidates {
		initdb, err := filepath.EvalSymlinks(initdb)
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(initdb), "psql")); err == nil {
			return filepath.Dir(initdb)
		}
	}
	skipPostgres(t, "there is no PostgreSQL: apt-get install postgresql, dnf install postgresql-server or brew install postgresql")
	return ""
}

var sayWithoutPostgres sync.Once

// skipPostgres skips a test, and says so where the results are summed up: go test hides why it skips.
func skipPostgres(t *testing.T, why string) {
	t.Helper()
	sayWithoutPostgres.Do(func() { summarize(t, "Skipped the tests of states in PostgreSQL: "+why+"\n") })
	t.Skip(why)
}

// postgresOwner returns somebody whom the server can run as: it refuses to be root's.
func postgresOwner(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			t.Fatal(err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	skipPostgres(t, "it refuses to run as root, and there is no user postgres or nobody")
	return nil
}

// serve starts the server, waits until it answers, and stops it when the test ends.
func (p *postgres) serve(t *testing.T) {
	t.Helper()
	log, err := os.Create(p.logFile())
	if err != nil {
		t.Fatal(err)
	}
	server := p.command("postgres", "-D", filepath.Join(p.dir, "data"), "-k", p.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		// Tells which run has tried to lock what.
		"-c", "log_statement=all", "-c", "log_line_prefix=%a|")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait()
		_ = log.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		<-ended
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for p.command("psql", "-d", p.url, "-c", "SELECT 1").Run() != nil {
		select {
		case <-ended:
			t.Fatalf("PostgreSQL ended:\n%s", read(t, p.logFile()))
		case <-tick.C:
		}
	}
}

// command prepares one of PostgreSQL's programs, run by the server's owner.
func (p *postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir, cmd.Env = p.dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGAPPNAME=test"}
	if p.owner != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.owner}
	}
	return cmd
}

func (p *postgres) mustRun(t *testing.T, program string, args ...string) string {
	t.Helper()
	output, err := p.command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, output)
	}
	return string(output)
}

// query returns the rows that SQL selects, their columns separated by bars.
func (p *postgres) query(t *testing.T, sql string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(p.mustRun(t, "psql", "-d", p.url, "-qtA", "-v", "ON_ERROR_STOP=1", "-c", sql)), "\n")
}

func (p *postgres) logFile() string { return filepath.Join(p.dir, "log") }

// triedToLock returns how often a run, by its PGAPPNAME, has asked for a lock.
func (p *postgres) triedToLock(t *testing.T, run string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(read(t, p.logFile())) {
		if strings.HasPrefix(line, run+"|") && strings.Contains(line, "pg_try_advisory_lock") {
			n++
		}
	}
	return n
}

// holders returns who holds which lock, as the published query tells it: shard => PGAPPNAME.
func (p *postgres) holders(t *testing.T) map[string]string {
	t.Helper()
	holders := map[string]string{}
	for _, row := range p.query(t, example(t, "fleet-sharded/locks.sql")) {
		columns := strings.Split(row, "|")
		if len(columns) < 2 {
			continue
		}
		holders[columns[0]] = columns[1]
	}
	return holders
}
