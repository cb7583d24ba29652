package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measured says that this system can measure processes.
const measured = true

const (
	// pollInterval is the time between two reads of the used memory. Linux keeps the peak, so only the last moment of
	// a process can be missed.
	pollInterval = 20 * time.Millisecond
	// tick is the unit of CPU times in /proc, on every architecture.
	tick = 10 * time.Millisecond
)

// observe returns when the process has ended, without waiting for it with wait(2). Until then, the kernel keeps its
// usage, apart from that of its children.
func observe(pid int, s *spent) error {
	ended := make(chan struct{})
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for {
			recordPeak(pid, s)
			select {
			case <-ended:
				return
			case <-time.After(pollInterval):
			}
		}
	}()
	err := awaitEnd(pid)
	close(ended)
	<-looked
	if err != nil {
		return err
	}
	s.terraform.cpu, s.provider.cpu, err = cpu(pid)
	return err
}

// awaitEnd calls waitid(2) and leaves the process a zombie.
func awaitEnd(pid int) error {
	const (
		ofProcess = 1 // P_PID
		options   = syscall.WEXITED | syscall.WNOWAIT
	)
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, ofProcess, uintptr(pid), 0, options, 0, 0)
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		default:
			return fmt.Errorf("wait for process %d: %w", pid, errno)
		}
	}
}

// recordPeak records the peak memory of the process and of its children.
func recordPeak(pid int, s *spent) {
	s.terraform.memory = max(s.terraform.memory, peak(pid))
	for _, child := range children(pid) {
		s.provider.memory = max(s.provider.memory, peak(child))
	}
}

// peak returns the process's VmHWM; 0 if it has ended.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(string(line), "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// children returns the processes that any thread of the process has started and not waited for.
func children(pid int) []int {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var pids []int
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// cpu returns the CPU times of a process, and of the children that it has waited for.
func cpu(pid int) (own, children time.Duration, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseStat(string(stat))
}

// parseStat parses proc_pid_stat(5). The second field, in parentheses, may contain any characters.
func parseStat(stat string) (own, children time.Duration, err error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	const utime, last = 11, 14 // from the third field on
	if len(fields) <= last {
		return 0, 0, errors.New("/proc/<pid>/stat is not as expected")
	}
	var ticks [4]time.Duration
	for i := range ticks {
		n, err := strconv.ParseInt(fields[utime+i], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read /proc/<pid>/stat: %w", err)
		}
		ticks[i] = time.Duration(n) * tick
	}
	return ticks[0] + ticks[1], ticks[2] + ticks[3], nil
}

// ownCPU returns the CPU time of this process so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
