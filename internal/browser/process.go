package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
)

// process is a browser that runs.
type process struct {
	// ctx is chromedp's, and done when the browser is.
	ctx    context.Context
	cancel context.CancelFunc
	// folder is the browser's own, for its profile.
	folder string
	// lock tells other processes that the folder is in use.
	lock *lockfile.Lock
	// asking is held by the tab that asks the person.
	asking chan struct{}
}

// start starts a browser with a profile folder of its own. Once it runs, it is ended by end alone,
// whatever becomes of the context of who needed it first.
func start(ctx context.Context, o Options) (*process, error) {
	executable, err := Find(o.Executable, o.windowed())
	if err != nil {
		return nil, err
	}
	sweep(os.TempDir())
	folder, lock, err := makeFolder(ctx, os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("making a folder for the browser's profile: %w", err)
	}
	life, giveUp := context.WithCancel(context.Background())
	allocator, stop := chromedp.NewExecAllocator(life, flags(executable, folder, o.windowed())...)
	// The library's messages may hold what is on pages (I2).
	silent := func(string, ...any) {}
	inBrowser, leave := chromedp.NewContext(allocator, chromedp.WithLogf(silent), chromedp.WithErrorf(silent))
	p := &process{ctx: inBrowser, cancel: func() { giveUp(); leave(); stop() }, folder: folder, lock: lock, asking: make(chan struct{}, 1)}
	if err := p.begin(ctx, giveUp); err != nil {
		return nil, &StartError{Executable: executable, Cause: errors.Join(err, p.end())}
	}
	return p, nil
}

// Unsandboxed tells whether a browser that is started runs without its own sandbox, which does not work as root: then
// a page that breaks out of the browser has all that root has.
func Unsandboxed() bool { return os.Geteuid() == 0 }

// startTimeout bounds the start of a browser, and the opening of a tab in it, which have nothing to do
// with how fast a site is.
const startTimeout = 30 * time.Second

// begin waits until the browser runs, and gives it up when that takes too long, or when ctx is done.
func (p *process) begin(ctx context.Context, giveUp func()) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	unneeded := context.AfterFunc(ctx, giveUp)
	// The library ends the browser with the context that it was started with, so that must not be ctx.
	err := chromedp.Do(p.ctx)
	if !unneeded() {
		return ctx.Err()
	}
	return err
}

// flags are what the browser is started with, besides what the library does by itself.
func flags(executable, folder string, visible bool) []chromedp.ExecAllocatorOption {
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options,
		chromedp.ExecPath(executable),
		chromedp.UserDataDir(folder),
		chromedp.ModifyCmdFunc(detach),
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

// longestTemp is how long the name of a folder for temporary files may be. The browser makes sockets
// there, whose names the system bounds.
const longestTemp = 60

// passed are the variables that the browser gets of this process's environment: those by which it finds its files, the
// screen, the network and its language. A name that ends in "_" stands for all that
// begin so.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_", "TZ",
	"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"LD_LIBRARY_PATH", "FONTCONFIG_", "CHROME_DEVEL_SANDBOX",
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMDATA",
}

// environment returns what the browser may know of this process's environment: what it needs, and so no token and
// no session of any program (I2). The folder is where it puts its temporary files, of which a killed one leaves some
// behind, and its reports of crashes, which may hold what was on a page.
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
	// A browser that has just ended may still be about to write into its folder.
	removals     = 100
	removalPause = 50 * time.Millisecond
)

// end ends the browser, and removes its folder. There is nothing in the profile to be saved first.
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
	return fmt.Errorf("removing the browser's profile: %w", err)
}

// removeSocket removes the folder that a browser has for its socket beside that of its profile, where the
// profile's name is too long for sockets. A browser that is killed leaves it behind.
func removeSocket(profile string) {
	socket, err := os.Readlink(filepath.Join(profile, "SingletonSocket"))
	if err != nil {
		return
	}
	folder := filepath.Dir(socket)
	// One by one, and the folder only if it is empty then: nothing else is ours to remove.
	for _, name := range []string{socket, filepath.Join(folder, "SingletonCookie"), folder} {
		_ = os.Remove(name)
	}
}

const (
	// folderPrefix begins the name of a profile's folder, and lockSuffix ends that of the lock beside it.
	folderPrefix = "terraform-provider-kustom-browser-"
	lockSuffix   = ".lock"
)

// makeFolder makes a folder for a profile, with a lock beside it that is held as long as this process runs. Where there
// are no locks, the folder stays behind if the process is killed.
func makeFolder(ctx context.Context, dir string) (folder string, lock *lockfile.Lock, err error) {
	// The lock comes first: a folder without one is left alone.
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

// sweep removes the folders of processes that were killed, and so could not.
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
			// Somebody else's is not ours to remove, and stays.
			lock.Unlock()
		}
	}
}
