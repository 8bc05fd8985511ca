"""Operations that take several calls: cancel all, resolve, wait until done, follow a TWAP. Private to users."""
