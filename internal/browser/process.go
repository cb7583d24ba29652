package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
)

// process is a running browser.
type process struct {
	// ctx is chromedp's context. It ends with the browser.
	ctx    context.Context
	cancel context.CancelFunc
	// folder is the browser's profile folder.
	folder string
	// lock shows other processes that the folder is in use.
	lock *lockfile.Lock
	// asking is held by the tab that asks the user.
	asking *semaphore.Weighted
}

// start starts a browser with its own profile folder. The process runs until end is called, even if the context
// of its first user ends.
func start(ctx context.Context, o Options) (*process, error) {
	executable, err := Find(o.Executable, o.windowed())
	if err != nil {
		return nil, err
	}
	sweep(os.TempDir())
	folder, lock, err := makeFolder(ctx, os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("create a folder for the browser's profile: %w", err)
	}
	life, giveUp := context.WithCancel(context.Background())
	allocator, stop := chromedp.NewExecAllocator(life, flags(executable, folder, o.windowed())...)
	// The library's messages may quote pages (I2).
	silent := func(string, ...any) {}
	inBrowser, leave := chromedp.NewContext(allocator, chromedp.WithLogf(silent), chromedp.WithErrorf(silent))
	p := &process{ctx: inBrowser, cancel: func() { giveUp(); leave(); stop() }, folder: folder, lock: lock, asking: semaphore.NewWeighted(1)}
	if err := p.begin(ctx, giveUp); err != nil {
		return nil, &StartError{Executable: executable, Cause: errors.Join(err, p.end())}
	}
	return p, nil
}

// Unsandboxed reports whether a started browser runs without its sandbox. The sandbox does not work as root.
// Without it, a page that exploits the browser has root's rights.
func Unsandboxed() bool { return os.Geteuid() == 0 }

// startTimeout bounds the start of a browser, and the opening of a tab. Neither depends on a site's speed.
const startTimeout = 30 * time.Second

// begin waits until the browser runs. It stops waiting after startTimeout or when ctx is done.
func (p *process) begin(ctx context.Context, giveUp func()) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	unneeded := context.AfterFunc(ctx, giveUp)
	// The library ends the browser with the context of its start, so ctx can't be that context.
	err := chromedp.Do(p.ctx)
	if !unneeded() {
		return ctx.Err()
	}
	return err
}

// flags are the browser's flags, besides those that the library sets.
func flags(executable, folder string, visible bool) []chromedp.ExecAllocatorOption {
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options,
		chromedp.ExecPath(executable),
		chromedp.UserDataDir(folder),
		chromedp.ModifyCmdFunc(prepare),
		chromedp.NoInheritEnv,
		chromedp.Env(environment(os.Environ(), folder)...),
		chromedp.WindowSize(1280, 900),
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("accept-lang", "en"),
	)
	if visible {
		options = append(options, chromedp.VisibleWindow)
	}
	return options
}

// prepare detaches the browser, and lets the end of its context also end the processes that it has started. A start that is
// given up has no other end: the library names no process until the browser answers.
func prepare(cmd *exec.Cmd) {
	detach(cmd)
	cmd.Cancel = func() error {
		kill(cmd.Process.Pid)
		return cmd.Process.Kill()
	}
}

// longestTemp is the maximum length of the path for temporary files. The browser creates sockets there, and the
// system limits the length of their names.
const longestTemp = 60

// passed are the environment variables that the browser gets: those for its files, the screen, the network and
// its language. A name that ends in "_" is a prefix.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_", "TZ",
	"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"LD_LIBRARY_PATH", "FONTCONFIG_", "CHROME_DEVEL_SANDBOX",
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMDATA",
}

// environment returns the browser's environment variables: only what it needs, so no token and no session of
// any program (I2). The folder is for its temporary files, some of which remain after a kill, and for its crash
// reports, which may hold a page's content.
func environment(all []string, folder string) []string {
	var kept []string
	for _, variable := range all {
		name, _, _ := strings.Cut(variable, "=")
		if isPassed(strings.ToUpper(name)) {
			kept = append(kept, variable)
		}
	}
	kept = append(kept, "BREAKPAD_DUMP_LOCATION="+folder)
	if len(folder) <= longestTemp {
		kept = append(kept, "TMPDIR="+folder)
	}
	return kept
}

func isPassed(name string) bool {
	return slices.ContainsFunc(passed, func(known string) bool {
		return name == known || strings.HasSuffix(known, "_") && strings.HasPrefix(name, known)
	})
}

// alive tells whether the browser still runs.
func (p *process) alive() bool {
	if p.ctx.Err() != nil {
		return false
	}
	select {
	case <-chromedp.FromContext(p.ctx).Browser.LostConnection:
		return false
	default:
		return true
	}
}

const (
	// A browser that has just ended may still write to its folder.
	removals     = 100
	removalPause = 50 * time.Millisecond
)

// end ends the browser and removes its folder. The profile has nothing to save.
func (p *process) end() error {
	if b := chromedp.FromContext(p.ctx).Browser; b != nil && b.Process() != nil {
		kill(b.Process().Pid)
	}
	p.cancel()
	defer p.lock.Remove()
	removeSocket(p.folder)
	err := os.RemoveAll(p.folder)
	for range removals {
		if err == nil {
			return nil
		}
		_ = pause(context.Background(), removalPause)
		err = os.RemoveAll(p.folder)
	}
	return fmt.Errorf("remove the browser's profile: %w", err)
}

// removeSocket removes the folder for a browser's socket beside its profile folder. The browser uses it if the
// profile's path is too long for sockets, and leaves it behind when it is killed.
func removeSocket(profile string) {
	socket, err := os.Readlink(filepath.Join(profile, "SingletonSocket"))
	if err != nil {
		return
	}
	folder := filepath.Dir(socket)
	// Files are removed one by one, and the folder only if it is then empty, because the provider owns nothing
	// else there.
	for _, name := range []string{socket, filepath.Join(folder, "SingletonCookie"), folder} {
		_ = os.Remove(name)
	}
}

const (
	// folderPrefix begins the name of a profile's folder, and lockSuffix ends that of the lock beside it.
	folderPrefix = "terraform-provider-kustom-browser-"
	lockSuffix   = ".lock"
)

// makeFolder creates a profile folder with a lock beside it, which this process holds until it ends. On a file
// system without locks, the folder remains if the process is killed.
func makeFolder(ctx context.Context, dir string) (folder string, lock *lockfile.Lock, err error) {
	// The lock comes first, because sweep ignores a folder without one.
	file, err := os.CreateTemp(dir, folderPrefix+"*"+lockSuffix)
	if err != nil {
		return "", nil, err
	}
	if err := file.Close(); err != nil {
		return "", nil, err
	}
	lock, err = lockfile.Take(ctx, file.Name())
	if err != nil {
		_ = os.Remove(file.Name())
	}
	folder = strings.TrimSuffix(file.Name(), lockSuffix)
	if err := os.Mkdir(folder, 0o700); err != nil {
		lock.Remove()
		return "", nil, err
	}
	return folder, lock, nil
}

// sweep removes the folders of killed processes.
func sweep(dir string) {
	locks, err := filepath.Glob(filepath.Join(dir, folderPrefix+"*"+lockSuffix))
	if err != nil {
		return
	}
	for _, name := range locks {
		lock := lockfile.Try(name)
		if lock == nil {
			continue
		}
		if os.RemoveAll(strings.TrimSuffix(name, lockSuffix)) == nil {
			lock.Remove()
		} else {
			// A folder of another user can't be removed and stays.
			lock.Unlock()
		}
	}
}
