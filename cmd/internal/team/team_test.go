package team

import (
	"fmt"
	"strings"
	"testing"
)

// TestTeamPanic tests that a panic of a goroutine comes to the one that waits, with its stack.
func TestTeamPanic(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.HasPrefix(v, "lost at ") || !strings.Contains(v, "TestTeamPanic") {
			t.Errorf("panic %.200q", v)
		}
	}()
	var all Team
	for i := range 4 {
		all.Go(func() {
			if i == 2 {
				panic("lost")
			}
		})
	}
	all.Wait()
	t.Error("there is no panic")
}
